Feature: a seat of a fair pool is given to whoever has time for it
  A discount below the margin floor needs two voices of finance and the requester's manager. It is Monday, ten in the
  morning in New York, and three in the afternoon in Dublin, where finance-3 works until five. Whoever answers for the
  seat is told so; whoever else of the pool may decide can.

  Background:
    Given a house in which finance is fair

  Scenario: whoever answers for the fewest gets the next one
    When ae-1 asks for 4 discounts that finance decides on
    Then each of finance-lead, finance-1, finance-2, finance-3 answers for 1 of them

  Scenario: what is decided weighs on nobody
    When ae-1 asks for 3 discounts that finance decides on
    And all of them are withdrawn
    And ae-1 asks for 4 discounts that finance decides on
    Then each of finance-lead, finance-1, finance-2, finance-3 answers for 1 of them

  Scenario: it stays with whoever has it, while others come and go
    When ae-1 asks for 1 discount that finance decides on
    And whoever answers for it stays, and the others are looked up again
    Then the same one answers for it

  Scenario: whoever cannot decide any more answers for nothing
    When ae-1 asks for 1 discount that finance decides on
    And whoever answers for it is away from today on
    Then somebody else of finance answers for it

  Scenario: whose day is over before it is due gets none
    Given the seats of finance are due after 2 hours
    When it is five in the afternoon in Dublin
    And ae-1 asks for 6 discounts that finance decides on
    Then finance-3 answers for none of them

  Scenario: whose day is over gets no seat that others leave either, however long it was given at first
    Given the seats of finance are due after 5 business hours
    When it is five in the afternoon in Dublin
    And ae-1 asks for 3 discounts that finance decides on
    And an hour goes by
    And whoever answers for the first of them approves
    Then finance-3 answers for none of them

  Scenario: whoever's it becomes is told so, though they could decide before
    Given people have contacts
    And the seats of finance are due after 5 hours
    When it is five in the afternoon in Dublin
    And ae-1 asks for 1 discount that finance decides on
    And whoever answers for the first of them approves
    Then somebody else answers for the first of them, and is told so

  Scenario: to whom it was handed answers for it
    When ae-1 asks for 3 discounts that finance decides on
    And whoever answers for each of them transfers it to fpna-1
    Then fpna-1 answers for 3 of them

  Scenario: what is decided at the door is given to whoever answers for the fewest too
    Given a house in which owners is fair, and a type that is decided at the door
    When ae-1 asks for 6 orders that owners decide on
    Then each of owner-1, owner-2 answers for 3 of them

  Scenario: a pool that says nothing, or `lead`, gives its seats to its lead
    Given a house in which finance is lead
    When ae-1 asks for 2 discounts that finance decides on
    Then finance-lead answers for 2 of them

  Scenario: what is no way to assign is refused
    Then a house is refused in which finance is random: `random` is none of `lead`, `fair`
