"""The workloads of the FairServe paper (arXiv 2411.15997): users, applications, interactions."""
