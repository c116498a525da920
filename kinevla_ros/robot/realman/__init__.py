"""The RM75 and its gripper as the vendor's library and controller speak of them."""
