"""D1 databases: their migrations, their marker, their schema."""
