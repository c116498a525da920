"""An emulated RM75 controller that the vendor's own library talks to."""
