"""The SPU engine as a child process in an environment of its own."""
