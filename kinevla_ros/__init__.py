"""Kinematics-rich vision-language-action control for ROS 2."""

from pkgutil import extend_path

# A source tree at the front of sys.path must still find the generated messages in the installed
# package.
__path__ = extend_path(__path__, __name__)
__version__ = "0.2.0"
