"""The operator's tools: health, metrics, backup, restore and the sandbox of demo and tests."""
