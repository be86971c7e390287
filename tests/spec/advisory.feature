Feature: an advisory intent type records decisions and writes nothing
  So that a new policy can be watched for a while before it counts.

  Scenario: what the table approves is recorded and closed without a write
    Given an intent type whose enforcement is advisory
    When an order of 10 is asked for
    Then the intent is done
    And no write left the host
    And the case says that it is advisory

  Scenario: what people approve is recorded and closed without a write
    Given an intent type whose enforcement is advisory
    When an order of 5000 is asked for
    Then the intent is seated
    When owner-1 approves revision 1
    Then the intent is done
    And no write left the host
