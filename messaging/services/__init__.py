"""Everything that writes messages. Views, tasks and commands call these and nothing below them."""
