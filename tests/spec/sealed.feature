Feature: what was decided is what is executed
  A decision binds to what was shown: what was asked for, the version of the policy, and every write with its connector
  and its address. Before each attempt the host looks whether that is still so.

  Background:
    Given an approved intent with one effect whose guarantee is by-key
    When the connector says transient and the wire saw nothing

  Scenario: what was changed after the decision is not executed
    Then of 10000 changes of one byte in what was asked, by which policy and what is written none is executed

  Scenario: a connector that was not sealed is never called
    When the connector is replaced by another build
    Then the effect is rejected
    And the target was sent 0 writes
    And an exception with cause rejected has an owner

  Scenario: an effect keeps the connector that was sealed, whatever its connection has by now
    When the connector is replaced by another build, and the one before stays installed
    Then the effect lands by the connector that was sealed
    And what is asked for from now on is written by the new build

  Scenario: an effect whose connector is gone goes on once that is installed again
    When the connector is replaced by another build
    Then the effect is rejected
    When the one before is installed again, and the owner of the exception closes it by retry
    Then the effect lands by the connector that was sealed

  Scenario: what may have been sent before its connector was gone is looked for, once its key may be forgotten
    When the next attempt dies with its host, and 25 hours pass
    And the connector is replaced by another build
    Then the effect is rejected
    When the one before is installed again, and the owner of the exception closes it by retry
    Then it is looked for before anything is sent
