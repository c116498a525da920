# The README's section "With ROS 2", step by step, on a CPU.
#   docker build -t kinevla_ros .
#   docker run --rm -it kinevla_ros ros2 run kinevla_ros kinevla demo
FROM ros:jazzy
SHELL ["/bin/bash", "-c"]
ENV MUJOCO_GL=egl
WORKDIR /root/ws
RUN apt-get update \
  && apt-get install -y --no-install-recommends python3-pip python3-venv libegl1 libgl1 libgl1-mesa-dri libusb-1.0-0 \
  && rosdep update
COPY . src/kinevla_ros
RUN rosdep install --from-paths src --ignore-src -y
# PyTorch's CPU build: --build-arg PIP_EXTRA_INDEX_URL=…, see docs/tutorials/cell.md.
ARG PIP_EXTRA_INDEX_URL
RUN python3 -m venv --system-site-packages venv && . venv/bin/activate && touch venv/COLCON_IGNORE \
  && pip install 'numpy<2' -r src/kinevla_ros/requirements.txt mujoco==3.8.1 av scipy matplotlib sacrebleu mcap mcap-ros2-support
RUN . /opt/ros/jazzy/setup.bash && . venv/bin/activate \
  && colcon build --packages-select kinevla_ros
RUN printf '%s\n' '#!/bin/bash' '. /opt/ros/jazzy/setup.bash' '. /root/ws/venv/bin/activate' \
    '. /root/ws/install/setup.bash' 'exec "$@"' > /entrypoint && chmod +x /entrypoint
ENTRYPOINT ["/entrypoint"]
CMD ["bash"]
