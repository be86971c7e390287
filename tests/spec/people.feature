Feature: who is there is on record
  A discount below the margin floor needs two voices of finance and the requester's manager.
  It is Monday, 23 November 2026, ten in the morning in New York; Thursday is a holiday there.
  An identity provider says who is there, and people say when they are away.

  Background:
    Given people have contacts, and so has director-1
    And ae-1 asks for a discount of 12 % on 12000 at a margin of 14 %

  Scenario: a leaver's seat moves, and whoever has it now hears of it
    When the identity provider creates sales-manager-1
    Then sales-manager-1 may decide for manager
    When the identity provider deactivates sales-manager-1
    Then sales-manager-1 may not decide for manager
    And director-1 may decide for manager
    And the story says "`sales-manager-1` is not in the directory any more"
    And director-1 is told "Decide: discount 12% for quote Q-1"
    When sales-manager-1 approves revision 1
    Then it is refused with CS-E0104
    When director-1 approves revision 1
    Then the story says "`director-1` approved"

  Scenario: whoever is activated again has what the file still says
    When the identity provider creates finance-1
    And the identity provider deactivates finance-1
    Then finance-1 may not decide for finance
    When the identity provider activates finance-1
    Then finance-1 may decide for finance

  Scenario: a group puts a person into a pool, and they decide
    When the identity provider creates zoe
    And the identity provider has zoe in the group finance
    Then zoe may decide for finance
    When zoe approves revision 1
    Then the story says "`zoe` approved"

  Scenario: a voice of a pool's group is gone with the group
    When the identity provider creates zoe
    And the identity provider has zoe in the group finance
    Then zoe may decide for finance
    When the identity provider has nobody in the group finance
    Then zoe may not decide for finance
    When zoe approves revision 1
    Then it is refused with CS-E0111

  Scenario: whoever is deleted and created again inherits nothing
    When the identity provider creates zoe
    And the identity provider has zoe in the group finance
    And the identity provider deletes zoe
    Then zoe may not decide for finance
    When the identity provider creates zoe
    Then the record refuses with CS-E0160
    When the identity provider creates zoe-2 with the account of zoe
    Then the record refuses with CS-E0161
    When the identity provider creates zoe-2
    Then zoe-2 may not decide for finance
    When zoe-2 approves revision 1
    Then it is refused with CS-E0111

  Scenario: a pool that is emptied is an exception, never a pass
    When the identity provider creates finance-lead, finance-1, finance-2, finance-3, fpna-lead, fpna-1, fpna-2
    And the identity provider deactivates finance-lead, finance-1, finance-2, finance-3, fpna-lead, fpna-1, fpna-2
    Then finance is open for nobody
    And an exception with cause no-seat has an owner
    And the intent is seated

  Scenario: whoever is on call answers for what nobody can decide, and keeps what came in their turn
    Given turns of 7 days in revenue-operations begin on 2026-11-23 with revops-1, revops-lead
    When the identity provider creates finance-lead, finance-1, finance-2, finance-3, fpna-lead, fpna-1, fpna-2
    And the identity provider deactivates finance-lead, finance-1, finance-2, finance-3, fpna-lead, fpna-1, fpna-2
    Then revops-1 answers for the exception with cause no-seat
    When turns of 7 days in revenue-operations begin on 2026-11-16 with revops-1, revops-lead
    And sales-manager-1 is away from 2026-11-23 until 2026-11-24 and sales-manager-2 covers
    Then revops-1 answers for the exception with cause no-seat
    When revops-1 is away from 2026-11-23 until 2026-11-24 and revops-lead covers
    Then revops-lead answers for the exception with cause no-seat

  Scenario: the record outlives the host, and a change of people.md
    When the identity provider creates finance-1, zoe
    And the identity provider has zoe in the group finance
    And the identity provider deactivates finance-1
    And a host with the same record starts again
    Then zoe may decide for finance
    And finance-1 may not decide for finance
    When finance-3 leaves the house
    Then finance-3 may not decide for finance
    And zoe may decide for finance
    And finance-1 may not decide for finance

  Scenario: a host that did not see the last entry reads it before it writes
    When another host puts zoe on record
    And the identity provider creates zoe
    Then the record refuses with CS-E0161
    When the identity provider has zoe in the group finance
    Then zoe may decide for finance

  Scenario: an absence by command begins at midnight where the person lives, and the cover hears of it
    When sales-manager-1 says that they are away from 2026-11-24 until 2026-11-24 and director-1 covers
    Then sales-manager-1 may decide for manager
    When it becomes 2026-11-24T04:59:59Z
    Then sales-manager-1 may decide for manager
    When it becomes 2026-11-24T05:00:00Z
    Then sales-manager-1 may not decide for manager
    And director-1 may decide for manager
    And director-1 is told "Decide: discount 12% for quote Q-1"

  Scenario: an absence by command ends at midnight where the person lives
    When finance-1 says that they are away from 2026-11-23 until 2026-11-24 and finance-2 covers
    Then finance-1 may not decide for finance
    And finance-2 may decide for finance
    When it becomes 2026-11-25T04:59:59Z
    Then finance-1 may not decide for finance
    When it becomes 2026-11-25T05:00:00Z
    Then finance-1 may decide for finance

  Scenario: whoever is back early has their seat again
    When sales-manager-1 says that they are away from 2026-11-23 until 2026-11-27 and director-1 covers
    Then sales-manager-1 may not decide for manager
    And director-1 may decide for manager
    When sales-manager-1 says that sales-manager-1 is back
    Then sales-manager-1 may decide for manager

  Scenario: a cover who leaves covers nobody, and whoever is away stays away
    When sales-manager-1 says that they are away from 2026-11-23 until 2026-11-27 and director-1 covers
    Then director-1 may decide for manager
    When the identity provider creates director-1
    And the identity provider deactivates director-1
    Then director-1 may not decide for manager
    And sales-manager-1 may not decide for manager
    And director-2 may decide for manager
