"""systemd as the one who spreads the work: template units, socket units, a process per connection."""
