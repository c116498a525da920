"""Action chunks and the codec that turns them into codes and back."""
