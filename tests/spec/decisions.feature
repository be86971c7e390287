Feature: people decide on exactly what they were shown
  The shipped discount policy: a manager may give an SMB customer up to 15 % on less than 50,000.

  Background:
    Given ae-1 asks for a discount of 12 % on 12000 for an smb customer

  Scenario: the table seats the requester's manager
    Then the intent is seated
    And sales-manager-1 may decide

  Scenario Outline: who may not decide
    When <person> approves revision <revision>
    Then it is refused with <code>
    And the intent is seated

    Examples:
      | person          | revision | code     |
      | ae-1            | 1        | CS-E0110 |
      | ae-2            | 1        | CS-E0111 |
      | nobody-here     | 1        | CS-E0104 |
      | sales-manager-1 | 2        | CS-E0106 |

  Scenario: an approval lets the effects go
    When sales-manager-1 approves revision 1
    Then the intent is executing

  Scenario: a declined intent changes nothing
    When sales-manager-1 declines revision 1 because "margin too thin"
    Then the intent is declined
    And no write left the host

  Scenario: a decline needs a reason
    When sales-manager-1 declines revision 1 because " "
    Then it is refused with CS-E0114

  Scenario: nobody decides twice
    When sales-manager-1 approves revision 1
    And sales-manager-1 approves revision 1
    Then it is refused with CS-E0109

  Scenario: the requester takes it back
    When ae-1 withdraws revision 1
    Then the intent is withdrawn
    When sales-manager-1 approves revision 1
    Then it is refused with CS-E0109

  Scenario: only the requester takes it back
    When ae-2 withdraws revision 1
    Then it is refused with CS-E0113

  Scenario: a missed seat goes to the backup, and then to an owner
    When the seat is missed
    Then deal-desk-1 may decide
    When the seat is missed
    Then an exception with cause overdue has an owner
    And the intent is seated
