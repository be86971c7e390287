Feature: voices can weigh more than one
  A discount below the margin floor needs weight 3 of finance and the requester's manager. The lead of finance weighs 2,
  finance-1, finance-2 and finance-3 weigh 1 each.

  Background:
    Given a house in which finance-lead weighs 2, and the margin floor needs weight 3
    And ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %

  Scenario: voices fill a seat when they weigh enough
    When finance-lead approves revision 1
    Then finance weighs 2 of 3
    And finance-1 may decide for finance
    When finance-1 approves revision 1
    Then finance weighs 3 of 3

  Scenario: a tie is not enough
    When finance-1 approves revision 1
    And finance-2 approves revision 1
    Then finance weighs 2 of 3
    When finance-3 approves revision 1
    Then finance weighs 3 of 3

  Scenario: one no declines, whatever it weighs
    When finance-lead approves revision 1
    And finance-1 declines revision 1 because "too thin"
    Then the intent is declined

  Scenario: a late voice is refused
    When finance-lead approves revision 1
    And finance-1 approves revision 1
    And finance-2 approves revision 1
    Then it is refused with CS-E0111

  Scenario: a heavy voice leaves less to be claimed, and whoever claimed first has it
    When finance-1 claims revision 1
    And finance-2 claims revision 1
    And finance-lead approves revision 1
    And finance-2 approves revision 1
    Then it is refused with CS-E0123
    When finance-1 approves revision 1
    Then finance weighs 3 of 3

  Scenario: whoever has decided and leaves still weighs what they weighed, and one more voice must come
    When finance-lead approves revision 1
    And the identity provider creates finance-lead
    And the identity provider deactivates finance-lead
    Then finance weighs 2 of 3
    When finance-1 approves revision 1
    Then finance weighs 3 of 3

  Scenario: whoever stands in weighs what the other weighs
    When finance-lead is away from 2026-11-23 until 2026-11-25 and fpna-lead covers
    And fpna-lead approves revision 1
    Then finance weighs 2 of 3

  Scenario: when too little is left the backup is asked, and nobody waits for ever
    When the identity provider creates finance-lead, finance-1
    And the identity provider deactivates finance-lead, finance-1
    Then finance-2 may not decide for finance
    And fpna-1 may decide for finance

  Scenario: what cannot be met is no route
    Then a house is refused in which the margin floor needs weight 6: needs weight 6 of `pool finance`, which weighs 5
    And a house is refused in which finance-9 weighs 2: `finance-9 2` is no weight of a member
    And a house is refused in which finance-1 weighs 101: `finance-1 101` is no weight of a member
    And a house is refused in which finance-1 weighs +2: `finance-1 +2` is no weight of a member
    And a house is refused in which finance-1 weighs 2, finance-1 3: `finance-1 3`: this member has a weight already
