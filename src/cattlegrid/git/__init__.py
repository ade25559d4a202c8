"""The repository as git has it: trees, objects, ancestry, uncommitted files."""
