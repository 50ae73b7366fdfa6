"""What every client's cases share: brokers to run against, the case registry, the environment and the report."""
