Feature: Integration owners
  A connection has an owner in the house: the pool that `Connections` of `people.md` names. Its members look after that
  connection as operators do after every one, and after no other.

  The integration owners of `target` are integrator-1, who leads them, integrator-2, and ae-1, who asks for things too;
  the one of `ledger` is bookkeeper-1. operator-1 is an operator, auditor-1 an auditor; owner-1 answers for exceptions.

  Scenario Outline: whoever looks after a connection pauses it, and nobody else does
    Given an approved intent with one effect whose guarantee is by-key
    And a house in which target and ledger have integration owners
    When <person> pauses the connection
    Then <answer>

    Examples:
      | person       | answer                      |
      | operator-1   | nothing is refused          |
      | integrator-1 | nothing is refused          |
      | integrator-2 | nothing is refused          |
      | ae-1         | nothing is refused          |
      | bookkeeper-1 | it is refused with CS-E0223 |
      | owner-1      | it is refused with CS-E0223 |
      | auditor-1    | it is refused with CS-E0223 |
      | stranger     | it is refused with CS-E0223 |

  Scenario Outline: whoever looks after a connection lets it go on, whoever paused it
    Given an approved intent with one effect whose guarantee is by-key
    And a house in which target and ledger have integration owners
    When operator-1 pauses the connection
    And <person> lets the connection go on
    Then <answer>

    Examples:
      | person       | answer                      |
      | integrator-2 | nothing is refused          |
      | bookkeeper-1 | it is refused with CS-E0223 |
      | auditor-1    | it is refused with CS-E0223 |

  Scenario: whoever is not of the pool any more looks after nothing
    Given an approved intent with one effect whose guarantee is by-key
    And a house in which target and ledger have integration owners
    When integrator-2 is none any more
    And integrator-2 pauses the connection
    Then it is refused with CS-E0223
    When integrator-1 pauses the connection
    Then nothing is refused

  Scenario Outline: what a refused credential holds up is tried again by whoever looks after the connection
    Given an approved intent with one effect whose guarantee is by-key
    And a house in which target and ledger have integration owners
    When the target refuses the credential
    And 3 intents are asked for
    Then one exception with cause denied pauses the connection
    When the target takes the credential again
    And <person> closes the exception that pauses it by <way>
    Then <answer>

    Examples:
      | person       | way     | answer                      |
      | owner-1      | retry   | nothing is refused          |
      | owner-1      | give-up | nothing is refused          |
      | operator-1   | retry   | nothing is refused          |
      | integrator-1 | retry   | nothing is refused          |
      | integrator-2 | probe   | nothing is refused          |
      # What else becomes of the intent is for whoever answers for the exception.
      | operator-1   | give-up | it is refused with CS-E0116 |
      | integrator-1 | give-up | it is refused with CS-E0116 |
      | integrator-1 | undo    | it is refused with CS-E0116 |
      # It is what they asked for.
      | ae-1         | retry   | it is refused with CS-E0110 |
      | bookkeeper-1 | retry   | it is refused with CS-E0116 |
      | owner-2      | retry   | it is refused with CS-E0116 |
      | auditor-1    | retry   | it is refused with CS-E0116 |

  Scenario: all that waited goes on, and the record says who let it
    Given an approved intent with one effect whose guarantee is by-key
    And a house in which target and ledger have integration owners
    When the connector breaks at every write
    And 5 intents are asked for
    Then one exception with cause quarantined pauses the connection
    When the connector is whole again
    And integrator-2 closes the exception that pauses it by retry
    And 2 minutes pass
    Then all 5 intents are done
    And the record says that integrator-2 closed it

  Scenario: what nobody knows of a write is for whoever answers for it
    Given an approved intent with one effect whose guarantee is blind
    And a house in which target and ledger have integration owners
    When the connector says uncertain and the wire saw silence
    Then an exception with cause uncertain has an owner
    When integrator-1 closes the exception of cause uncertain by retry
    Then it is refused with CS-E0116
    When operator-1 closes the exception of cause uncertain by probe
    Then it is refused with CS-E0116
    And the target was sent 1 write
