"""The codec that turns action chunks into codes and back."""
