#!/usr/bin/env bash
# The simulated cell with ROS's own tools, as the README says; for a sourced ROS workspace.
# Ends with code 0 if every step does what it should.
set -uo pipefail
say='hold the carrot by the upper part and place it on the right side of the plate'
export ROS_DOMAIN_ID=${ROS_DOMAIN_ID:-77} ROS_AUTOMATIC_DISCOVERY_RANGE=LOCALHOST
log=$(mktemp)
failed=0

step() {  # NAME EXPECTED COMMAND...: run a command whose output holds the expected words
  local name=$1 expected=$2 output
  shift 2
  output=$(timeout 60 "$@" 2>&1)
  if grep -q -- "$expected" <<<"$output"; then
    printf 'ok      %s\n' "$name"
  else
    printf 'FAILED  %s: no "%s" in:\n%s\n' "$name" "$expected" "$output"
    failed=1
  fi
}

launch() {  # in a process group of its own, as a terminal does
  setsid ros2 launch kinevla_ros realman.launch.py "$@" >>"$log" 2>&1 &
  launched=$!
}

ends() {  # NAME CODE: the launch ends with a code of this kind (0 or 1) and leaves no node
  wait "$launched"
  local code=$?
  sleep 1
  if [ "$code" -eq "$2" ] && ! pgrep -g "$launched" >/dev/null; then
    printf 'ok      %s (code %s)\n' "$1" "$code"
  else
    printf 'FAILED  %s: code %s, left: %s\n' "$1" "$code" "$(pgrep -ag "$launched")"
    failed=1
  fi
}

active() {
  for _ in $(seq 90); do
    ros2 lifecycle get /arm 2>/dev/null | grep -q active && return
    kill -0 "$launched" 2>/dev/null || return
    sleep 1
  done
}

if ! ros2 pkg prefix rviz2 >/dev/null 2>&1; then
  launch rviz:=true sim:=true
  ends 'a missing package ends the launch' 1
fi
launch
ends 'a launch without serial numbers ends' 1
launch sim:=true params_file:=/nowhere.yaml
ends 'a wrong parameter file ends the launch' 1
launch cameras:=none arm_ip:=127.0.0.1
ends 'an arm that is not there ends the launch' 1
grep -E 'cannot be found|is not set|has ended|cannot be configured' "$log" | cut -c1-160

launch sim:=true
active
step 'lifecycle get' active ros2 lifecycle get /arm
first=$launched
launch sim:=true
ends 'a second launch ends' 1
launched=$first
step 'node list' /policy ros2 node list
step 'topic list' /kinevla/reasoning ros2 topic list
step 'interface show' 'uint8 outcome' ros2 interface show kinevla_ros/action/Execute
step 'topic pub --once' 'publishing #1' ros2 topic pub --once /instruction std_msgs/msg/String \
  "{data: '$say'}"
step 'topic echo: reasoning' 'upper part' ros2 topic echo --once --field kinematics /kinevla/reasoning
step 'topic echo: the arm moves' '2' ros2 topic echo --once --field state /kinevla/safety_status
step 'service call: judge' '"instruction"' ros2 service call /cell/judge std_srvs/srv/Trigger
step 'param set: speed' successful ros2 param set /arm speed_scaling 50.0
step 'param set: a wrong speed' 'failed' ros2 param set /arm speed_scaling 500.0
step 'param set: full speed' successful ros2 param set /arm speed_scaling 100.0
step 'topic pub: stop' 'publishing #1' ros2 topic pub --once /instruction std_msgs/msg/String \
  '{data: stop}'
step 'service call: scene' 'new scene' ros2 service call /cell/reset std_srvs/srv/Trigger
step 'action send_goal: refused' 'REFUSED\|outcome: 1' ros2 action send_goal /kinevla/execute \
  kinevla_ros/action/Execute '{instruction: dance}'
step 'action send_goal: done' 'outcome: 0' ros2 action send_goal --feedback /kinevla/execute \
  kinevla_ros/action/Execute "{instruction: '$say'}"
step 'service call: stop' 'stopped until' ros2 service call /arm/stop std_srvs/srv/Trigger
step 'service call: reset' 'success=True' ros2 service call /arm/reset std_srvs/srv/Trigger
kill -INT -- "-$launched"
ends 'Ctrl-C ends the launch' 0
ros2 daemon stop >/dev/null
printf 'log of the launches: %s\n' "$log"
exit "$failed"
