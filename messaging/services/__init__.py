"""Everything that writes messages: what views, tasks, commands and other apps call for it."""
