"""The measurement in one process: the stages of the DAG, on a network that is only an object."""
