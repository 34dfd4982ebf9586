"""Composition: joins the engine to the operating system with ordinary structured Trio."""
