"""Files of posts as platforms and papers write them: a module each, listed in `registry`."""
