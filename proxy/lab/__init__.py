"""The lab: an application under each way of spreading work over processes, for real, under the same load."""
