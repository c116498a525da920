"""An episode in the rerun viewer: pictures, joints, path of the tool, words, what the gate says."""
