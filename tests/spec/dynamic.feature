Feature: seats that depend on the intent
  A row of a route asks a manager of the requester, or whom a token names; which route is asked at all, a row or guard
  says with an expression over the intent. All of it is looked up when the seat opens.

  Scenario: the manager of the requester
    Given ae-1 asks for a discount of 12 % on 12000 for an smb customer
    Then sales-manager-1 may decide for manager

  Scenario: the manager's manager
    Given a house in which manager asks "manager of manager of requester"
    And ae-1 asks for a discount of 12 % on 12000 for an smb customer
    Then director-1 may decide for manager
    And sales-manager-1 may not decide for manager

  Scenario: whom a token names
    Given a house in which manager asks "named in note"
    And ae-1 asks for a discount of 12 % on 12000 and notes "pricing-1"
    Then pricing-1 may decide for manager
    And sales-manager-1 may not decide for manager
    When sales-manager-1 approves revision 1
    Then it is refused with CS-E0111
    When pricing-1 approves revision 1
    Then the intent is executing

  Scenario: a token that names somebody else after an amendment
    Given a house in which manager asks "named in note"
    And ae-1 asks for a discount of 12 % on 12000 and notes "pricing-1"
    When ae-1 amends note to "pricing-lead"
    Then the intent becomes seated
    And pricing-lead may decide for manager
    And pricing-1 may not decide for manager

  Scenario: whoever is named and away is covered as anybody is
    Given a house in which manager asks "named in note"
    And ae-1 asks for a discount of 12 % on 12000 and notes "finance-1"
    When finance-1 is away from 2026-11-23 until 2026-11-24 and pricing-1 covers
    Then pricing-1 may decide for manager
    And finance-1 may not decide for manager

  Scenario Outline: a token that names nobody who may decide leaves it to the backup at once
    Given a house in which manager asks "named in note"
    And ae-1 asks for a discount of 12 % on 12000 and notes "<words>"
    Then deal-desk-1 may decide for manager
    When ae-1 approves revision 1
    Then it is refused with CS-E0110
    When ae-1 amends note to "pricing-1"
    Then the intent becomes seated
    And pricing-1 may decide for manager
    And deal-desk-1 may not decide for manager

    Examples:
      | words                    |
      | ae-1                     |
      | nobody-here              |
      | whoever has time for it! |

  Scenario Outline: an expression says which route is asked
    Given a house in which the guard "<when>" asks vp
    And ae-1 asks for a discount of 12 % on 12000 for an smb customer
    Then vp is <asked>

    Examples:
      | when                                            | asked     |
      | round(amount * discount_percent, 0.01) > 1_440  | not asked |
      | round(amount * discount_percent, 0.01) >= 1_440 | asked     |
      | term_months > 17 and payment_days < 31          | asked     |
      | term_months > 24 or payment_days >= 45          | not asked |
      | given_away = 1_440 and not renewal              | asked     |

  Scenario: a house whose route asks for whom a token may leave out is not taken
    Then a house is refused in which manager asks "named in reason_for_it": no required token that can name a person
