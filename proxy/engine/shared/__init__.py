"""Slots that several processes share."""
