import json
from datetime import date
from pathlib import Path
from tests.indicator.lakes import RowLake, T, firm, sale
from xinqiao.relation.measures import RELATION_TABLES, relation_tables
def test_smoke(tmp_path: Path) -> None:
    d=date(2024,1,1)
    lake = RowLake(tmp_path, {"registry":[firm("A"),firm("B"),firm("C",kind="self_employed")], "invoice":[sale("A",date(2024,6,1),100.0,"B",counterparty_id="B")],
      "registry_holding":[dict(company_id="A",holder_id="B",holder_kind="company",share=.6,held_from=d,known_on=d),dict(company_id="B",holder_id="p",holder_kind="person",share=.7,held_from=d,known_on=d)],
      "guarantee":[dict(company_id="A",guarantee_no="1",guaranteed_id="B",amount_cents=5,signed_on=d,known_on=d)],
      "application":[dict(company_id=x,application_no="1",applied_on=date(2024,12,20),device_hash="d",agent_hash="g",amount_cents=100,industry_code="1",known_on=date(2024,12,20)) for x in "AB"],
      "credit_list":[dict(company_id="A",list="fraud_confirmed",listed_on=d,known_on=d)],
    })
    for k,t in relation_tables(lake,T).items():
        print(k)
        for r in t.to_pylist(): print("  ",r)
