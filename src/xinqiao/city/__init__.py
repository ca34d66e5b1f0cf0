"""A generated region with known truth, for the demo, tests and benchmarks.

Nothing in it is real: names begin with 示例, division codes with 99. How it works, cause by cause:
companies (``region``), their health and default (``hazard``), who trades with whom (``network``),
invoices (``invoices``), the register (``register``), loans (``credit``), then faults as real
deliveries have them (``dirt``), written as their holders would deliver them (``files``).

How near it lies to real companies: 425 masked firms of one bank (2020 national modelling contest,
problem C) beside 2,000 generated ones of 36 months, seed 1; quantiles are over companies.

=====================================  ==================  =============
of sales invoices                      real (two groups)   generated
=====================================  ==================  =============
void, share of all                     6.9 %, 8.3 %        7.2 %
red-letter, share of valid             5.6 %, 1.8 %        2.5 %
log amount, deviation in a company     0.94, 0.95          0.92
log of mean amount, between companies  1.61, 1.43          1.43
monthly sales, deviation of the log    2.16, 1.81          1.81
five largest customers, median share   68 %, 73 %          78 %
months without invoices, mean share    19 %, 17 %          28 %
invoices a month, median               13.9, 12.6          1.9
=====================================  ==================  =============

There are fewer invoices a company on purpose, so that the demo is quick (``volume=6`` gives as many as
the real set); that is also why more months are empty. Each is larger instead (about five times), so that
yearly sales come near those of firms that ask for 100,000 CNY and more.
"""
