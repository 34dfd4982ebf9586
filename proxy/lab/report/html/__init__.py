"""The report as one page that opens anywhere: no script, nothing fetched, light and dark by the reader's setting."""
