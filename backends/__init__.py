"""Sample application servers, one small file each; never imported by `proxy`."""
