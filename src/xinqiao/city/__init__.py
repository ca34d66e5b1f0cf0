"""A generated region with known truth, for the demo, tests and benchmarks.

Nothing in it is real: names begin with 示例, division codes with 99.

Drawn once for the region (``scene``): companies and what is fixed about each (``region``), customers,
chains round core firms and invoicing rings (``network``), people, holdings, sureties and shared places
(``ties``), the latent factors (``factors``) and from them defaults (``hazard``) as failure spreads
(``contagion``), then planted schemes and their look-alikes (``schemes``). All else is drawn block by
block of 128 companies, one stream a purpose and block, so memory does not grow with what is
written and the order of work changes no byte (``deliveries`` lists the sources, ``generate`` writes them).

Causes and where they can be seen. Each moves the monthly chance of default; none is in any file.

================  ====================================================================================
operations        invoices, declared sales and margin, staff, electricity, water and gas, customs
liquidity         account flows and balances; late tax, contributions and supplies; short days past due;
                  small lenders; lawsuits for money
governance        changes and lists of the register, audits, penalties, news, late reports
demand            an epidemic quarter (months 20 to 22), harder on some industries: part of operations
stress            failures of customers, owners and the owned, and of those one stands surety for: seen in
                  the graph, and partly in liquidity
fixed             size, age, growth, industry, membership of an invoicing ring
================  ====================================================================================

Nobody fails in the first year; loan books season for two more years. A default is a day, and what
follows from it (arrears without end, fewer invoices, lawsuits, the end of a third of those companies)
is drawn after it: nothing before that day depends on it. ``hazard.true_pd`` is what could be known at
best. Faults as real deliveries have them are written into the invoices and counted (``dirt``).

How near it lies to real companies is measured, not stated here: ``xinqiao city --calibrate DATA`` compares
void and red-letter rates, amounts, idle days and lawsuits with real sets and says what differs.

There are fewer invoices a company on purpose, so that the demo is quick (``volume=6`` gives as many as
the real set); that is also why more months are empty. Each is larger instead (about five times), so that
yearly sales come near those of firms that ask for 100,000 CNY and more.
"""
