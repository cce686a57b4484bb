"""The release that is served, and its change to another one."""
