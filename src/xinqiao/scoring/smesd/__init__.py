"""The smesd contest: what attributes, lawsuits and the graph each add to telling bankrupt firms.

Data: small and medium firms with lawsuits and 20 kinds of relations (doi 10.1016/j.ins.2023.120081).
"""
