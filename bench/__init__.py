"""What the gateway costs, as ratios to what the machine can do: `make bench`. Never run as a test."""
