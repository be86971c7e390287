Feature: what all policies share is changed by two persons, and the log says what is in force
  The shipped house: `people.md`, `routes.md` and the intent types. The route `shared-change` asks the pool
  `revenue-operations` (revops-lead and revops-1), and the pool `cro-office` after it.

  Background:
    Given a house with the shipped rules

  Scenario: nobody changes a shared file alone
    When revops-1 proposes people.md with "| ae-3 " as "| ae-9 | sales-manager-2 | dublin |; | ae-3 "
    Then revops-lead may decide
    And the change is seated
    When revops-1 approves revision 1
    Then it is refused with CS-E0110
    When ae-1 approves revision 1
    Then it is refused with CS-E0111
    And ae-9 is not of the house

  Scenario: a second person approves it, and it is in force at once and after a restart
    When revops-1 proposes people.md with "| ae-3 " as "| ae-9 | sales-manager-2 | dublin |; | ae-3 "
    Then it says "Persons, `ae-9`: new: person: ae-9; manager: sales-manager-2; calendar: dublin"
    And the seal covers what the file says otherwise
    When revops-lead approves revision 1
    Then the change is done
    And ae-9 is of the house
    When ae-9 asks for 12 % off
    Then the discount waits for people
    When the host is started again
    Then ae-9 is of the house
    And the host says that the file people.md does not count

  Scenario: an open seat goes to whoever is there by the new people
    When ae-1 asks for 12 % off
    Then director-1 may decide the discount
    When revops-1 proposes people.md with "| directors          | director-1, director-2, director-3 " as "| directors          | director-1, director-3, vp-sales-2 "
    And revops-lead approves revision 1
    Then vp-sales-2 may decide the discount

  Scenario: whoever gains by a change does not decide on it
    When revops-1 proposes people.md with "| finance-lead, finance-1, " as "| finance-lead, revops-lead, finance-1, "
    Then revops-lead may not decide
    And cro-chief-of-staff may decide
    And the evidence says that revops-lead has a stake
    When revops-lead approves revision 1
    Then it is refused with CS-E0111

  Scenario: whoever has an open intent of a type does not decide on a change of it
    When revops-lead asks for 12 % off
    And revops-1 proposes discount.intent.md with "| rounds          | 3 " as "| rounds          | 9 "
    Then the evidence says that revops-lead has a stake
    And the evidence says that discount is decided by another version

  Scenario: whoever asked in the meantime does not decide either
    When revops-1 proposes discount.intent.md with "| rounds          | 3 " as "| rounds          | 9 "
    And revops-lead asks for 12 % off
    And revops-lead approves revision 1
    Then it is refused with CS-E0121

  Scenario: of two changes of one file the later one is read again
    When revops-1 proposes routes.md with "16bh" as "8bh"
    And revops-lead proposes routes.md with "40bh" as "20bh"
    And revops-1 approves revision 1
    Then the change is done
    When the earlier proposal is looked at again
    And revops-lead approves revision 1
    Then it is refused with CS-E0122

  Scenario: the set is checked as a whole, with every example
    When revops-1 proposes people.md with "| vp-sales           | vp-sales-1, vp-sales-2 " as "| sales-heads        | vp-sales-1, vp-sales-2 "
    Then it is refused with CS-E0119
    And it names "`vp-sales`"
    And nothing was stored
    When revops-1 proposes routes.md with "| shared-change " as "| shared-changes "
    Then it is refused with CS-E0119
    And it names "nobody could take it back"
    And nothing was stored

  Scenario: a file that is no shared one is changed otherwise
    When revops-1 proposes discount.policy.md with "10%" as "12%"
    Then it is refused with CS-E0119
    And it names "this names no file that policies share"

  Scenario: an earlier text is proposed again like every other one
    When revops-1 proposes routes.md with "16bh" as "8bh"
    And revops-lead approves revision 1
    Then the change is done
    When revops-lead proposes routes.md with "8bh" as "16bh"
    And revops-1 approves revision 1
    Then the change is done
    And routes.md is what the house began with

  Scenario: a house that wants two persons from now on puts its file on record as it is
    When revops-1 proposes people.md with "# People" as "# People"
    And revops-lead approves revision 1
    Then the change is done
    When revops-1 proposes people.md with "# People" as "# People"
    Then it is refused with CS-E0119
    And it names "this is what is in force already"
