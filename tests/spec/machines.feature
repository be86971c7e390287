Feature: a machine asks, and persons decide
  A discount below the margin floor needs two voices of finance and the requester's manager. A program asks for it, and
  whoever answers for that program decides nothing about it.

  Scenario: it is decided as if whoever answers for it had asked, and they do what a requester does
    Given crm-bot, for which ae-1 answers, asks for a discount of 12 % on 12000 at a margin of 14 %
    Then sales-manager-1 may decide for manager
    When ae-1 approves revision 1
    Then it is refused with CS-E0110
    When finance-1 asks "who is the competitor?"
    And ae-1 answers "Initech"
    Then nothing is refused
    When ae-1 withdraws revision 1
    Then the intent is withdrawn

  Scenario: it decides nothing
    Given crm-bot, for which ae-1 answers, asks for a discount of 12 % on 12000 at a margin of 14 %
    When crm-bot approves revision 1
    Then it is refused with CS-E0104
    When sales-manager-1 transfers to crm-bot because "it knows best"
    Then it is refused with CS-E0151
    When sales-manager-1 adds the voice of crm-bot after because "it knows best"
    Then it is refused with CS-E0154

  Scenario: whoever answers for it has no seat that would be theirs
    Given crm-bot, for which finance-1 answers, asks for a discount of 12 % on 12000 at a margin of 14 %
    Then finance-1 may not decide for finance
    And finance-2 may decide for finance
    When finance-1 approves revision 1
    Then it is refused with CS-E0110

  Scenario: whoever answered for it then decides nothing about it, whoever does by now
    Given crm-bot, for which finance-1 answers, asks for a discount of 12 % on 12000 at a margin of 14 %
    When finance-2 answers for crm-bot from now on
    Then finance-2 may not decide for finance
    And finance-1 may not decide for finance
    And finance-3 may decide for finance
    When finance-1 withdraws revision 1
    Then it is refused with CS-E0113
    When nobody answers for crm-bot any more
    Then finance-2 may decide for finance
    And finance-1 may not decide for finance

  Scenario: whoever answered for it when it was amended decides nothing about it either
    Given crm-bot, for which finance-1 answers, asks for a discount of 12 % on 12000 at a margin of 14 %
    When finance-2 answers for crm-bot from now on
    And crm-bot amends note to "they asked twice"
    Then the intent becomes seated
    When nobody answers for crm-bot any more
    And finance-1 approves revision 2
    Then it is refused with CS-E0110
    When finance-2 approves revision 2
    Then it is refused with CS-E0110
    When finance-3 approves revision 2
    Then nothing is refused

  Scenario: whoever answers for it sends nobody away for whom it waits
    Given crm-bot, for which revops-1 answers, asks for a discount of 12 % on 12000 at a margin of 14 %
    When revops-1 says that finance-lead is away from 2026-11-24 until 2026-11-25 and finance-1 covers
    Then the record refuses with CS-E0164

  Scenario: it takes back what it asked for itself
    Given crm-bot, for which ae-1 answers, asks for a discount of 12 % on 12000 at a margin of 14 %
    When crm-bot withdraws revision 1
    Then the intent is withdrawn

  Scenario: whoever answers for it leaves, and nobody asks by it any more
    Given crm-bot, for which agent-1 answers, asks for a discount of 12 % on 12000 at a margin of 14 %
    When the identity provider creates agent-1
    And the identity provider deactivates agent-1
    And crm-bot asks for another discount
    Then it is refused with CS-E0104

  Scenario: no person has its name
    Given crm-bot, for which ae-1 answers, asks for a discount of 12 % on 12000 at a margin of 14 %
    When the identity provider creates crm-bot
    Then the record refuses with CS-E0161

  Scenario Outline: what makes no machine
    Then a house is refused whose <row>: <why>

    Examples:
      | row                                    | why                              |
      | machine ae-1 is answered for by boss-1 | `boss-1` is no person            |
      | machine ae-1 is answered for by cro    | `ae-1` is a person of this file  |
      | pool finance has the member crm-bot    | `crm-bot` is no person           |
