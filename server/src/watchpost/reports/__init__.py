"""What people are told at leisure: what ends when, how the week was, and what is not watched yet."""
