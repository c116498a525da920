"""The emulated controller with the vendor's own library: their programs run without an arm.

`kinevla emulate` serves the same for programs in other processes and other languages.
"""

from Robotic_Arm.rm_robot_interface import RoboticArm, rm_thread_mode_e

from kinevla_ros.sim.controller.controller import EmulatedController
from kinevla_ros.sim.controller.plant import JointPlant

QUIET = 3  # log level

with EmulatedController(JointPlant(), port=0) as controller:
    arm = RoboticArm(rm_thread_mode_e.RM_TRIPLE_MODE_E)
    arm.rm_create_robot_arm(*controller.address, QUIET)

    print("model:   ", arm.rm_get_robot_info()[1]["arm_model"])
    print("joints:  ", [round(angle, 1) for angle in arm.rm_get_joint_degree()[1]], "degrees")

    # To a pose at 50 % speed; waits until the arm is there.
    done = arm.rm_movej([20, 20, 0, 80, 0, 80, 0], v=50, r=0, connect=0, block=1)
    print("movej:   ", done, "(0 is success)")
    print("joints:  ", [round(angle, 1) for angle in arm.rm_get_joint_degree()[1]], "degrees")

    # What the arm does when a joint reports an error; faults are switched on from outside.
    controller.joint_error(joint=4, bits=0x4000)
    done = arm.rm_movej([0, 20, 0, 80, 0, 80, 0], v=50, r=0, connect=0, block=1)
    print("movej:   ", done, "(1: the controller refuses)")
    arm.rm_delete_robot_arm()
