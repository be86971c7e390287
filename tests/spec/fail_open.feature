Feature: what cannot be evaluated passes only where two keys say so, and somebody looks at it afterwards
  So that a trial extension does not wait for a person because a system is silent, and nobody takes it for an approval.

  Background:
    Given a low-impact type whose policy lets 2 a day fail open up to 5000

  Scenario: it passes under an authority of its own, and the policy's owner has an item to close
    When an order of 10 is asked for
    Then the intent becomes done
    And the target was sent 1 write
    And it was decided by failing open, with nobody
    And an exception with cause fail-open has an owner
    And the record says that number 1 of 2 of today failed open

  Scenario: the item is closed as right or as wrong, with a reason, and never by the requester
    When an order of 10 is asked for
    And the owner of the fail-open closes it by reviewed
    Then it is refused with CS-E0117
    When ae-1 closes the fail-open
    Then it is refused with CS-E0116
    When the owner of the fail-open closes it by confirmed
    Then nothing is open about it

  Scenario: the item that nobody looks at goes to the backup
    When an order of 10 is asked for
    And 28801 seconds pass
    Then boss answers for the fail-open

  Scenario: a route that is known stands
    When an order of 3000 is asked for
    Then the intent is seated
    When owner-1 approves revision 1
    Then the intent becomes done
    And it was decided by failing open, with owner-1
    And an exception with cause fail-open has an owner

  Scenario: where the declared condition does not hold it is closed
    When an order of 9000 is asked for
    Then the intent becomes unsettled
    And an exception with cause unsure has an owner
    And no write left the host

  Scenario: the count of a day is spent, and begins anew the next day
    When an order of 10 is asked for
    And an order of 11 is asked for
    And an order of 12 is asked for
    Then the intent becomes unsettled
    When 86400 seconds pass
    And an order of 13 is asked for
    Then the intent becomes done

  Scenario: orders at one moment cannot share the last one of the day
    When 5 orders of 10 are asked for at one time
    Then 2 of them are done and 3 are unsettled

  Scenario: without the key of the intent type the policy is not taken
    Then a policy that lets it fail open where its type does not is refused

  Scenario: nobody says that it was right before it has passed
    When an order of 3000 is asked for
    Then the intent is seated
    When the owner of the fail-open closes it by reversed
    Then it is refused with CS-E0109

  Scenario: what is withdrawn did not fail open, and is not counted
    When an order of 3000 is asked for
    And ae-1 withdraws revision 1
    Then no fail-open is open
    When an order of 3001 is asked for
    And ae-1 withdraws revision 1
    And an order of 10 is asked for
    Then the intent becomes done

  Scenario: what the policy can evaluate is decided by the policy
    Given the target says that the risk of the order is low
    When an order of 10 is asked for
    Then the intent becomes done
    And it was decided by the policy

  Scenario: an answer of which no row of the table is certain does not pass
    Given a low-impact type whose table itself asks for the risk
    When an order of 10 is asked for
    Then the intent becomes unsettled
    And an exception with cause unsure has an owner
    And no write left the host
