"""Other packages' checks run here, and ours shown by theirs."""
