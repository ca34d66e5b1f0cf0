"""A generated region with known truth, for the demo, tests and benchmarks.

Nothing in it is real: names begin with 示例, division codes with 99. How it works, cause by cause:
companies (``region``), their health and default (``hazard``), who trades with whom (``network``),
invoices (``invoices``), the register (``register``), loans (``credit``), then faults as real
deliveries have them (``dirt``), written as their holders would deliver them (``files``).
"""
