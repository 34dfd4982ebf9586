"""The backends as processes and addresses: started, probed, resolved."""
