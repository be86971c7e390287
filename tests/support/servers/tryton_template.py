"""Prepare the Tryton database that the tests copy: a company in US dollars, an
application key for the REST interface, the four segments and one product.

Called by `tests/install` with the configuration file and the database's name, in the
Python environment that has trytond and proteus. It needs a database whose modules are
already active."""

import sys
from decimal import Decimal

from proteus import Model, config

SEGMENTS = ["smb", "mid", "ent", "pub"]
API_KEY = "crm-key-for-tests"


def main(config_file, database):
    config.set_trytond(f"sqlite:///{database}", user="admin", config_file=config_file)
    make_company()
    make_segments()
    make_product()
    close_open_wizards()


def make_company():
    from trytond.modules.company.tests.tools import create_company, get_company
    from trytond.modules.currency.tests.tools import get_currency

    create_company(currency=get_currency("USD"))
    company = get_company()
    (admin,) = Model.get("res.user").find([("login", "=", "admin")])
    admin.companies.append(company)
    admin.company = company
    admin.save()
    application = Model.get("res.user.application")(
        user=admin, application="rest", key=API_KEY
    )
    application.save()
    assert application.state == "validated", application.state


def make_segments():
    category = Model.get("party.category")
    parent = category(name="Segment")
    parent.save()
    for name in SEGMENTS:
        category(name=name, parent=parent).save()


def make_product():
    (unit,) = Model.get("product.uom").find([("name", "=", "Unit")], limit=1)
    template = Model.get("product.template")(
        name="Platform seat",
        default_uom=unit,
        type="service",
        salable=True,
        list_price=Decimal("100.00"),
    )
    template.save()
    (product,) = template.products
    product.code = "SEAT"
    product.cost_price = Decimal("40.00")
    product.save()
    # The seeding in Rust names these records by id.
    assert (product.id, unit.id) == (1, 1), (product.id, unit.id)


def close_open_wizards():
    item = Model.get("ir.module.config_wizard.item")
    for wizard in item.find([("state", "=", "open")]):
        wizard.state = "done"
        wizard.save()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
