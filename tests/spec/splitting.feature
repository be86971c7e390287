Feature: a sum over time catches what is split to stay below a limit
  More than 10000 for one customer within seven days needs finance, in how many parts ever it is asked for, and in
  whatever order they arrive. What is open counts as what is approved does.

  Background:
    Given a house in which more than 10000 for one customer within 7 days needs finance

  Scenario: one below the limit passes
    When 1 discount of 9999 is asked for
    Then 9999 has passed and finance has 0 to decide

  Scenario: the part that goes beyond the limit is decided by people, and so is each one after it
    When 1 discount of 4000 is asked for
    And 1 discount of 6000 is asked for
    Then 10000 has passed and finance has 0 to decide
    When 1 discount of 1 is asked for
    And 1 discount of 4000 is asked for
    Then 10000 has passed and finance has 2 to decide

  Scenario Outline: parts that are asked for at one moment hide none of the others
    When <count> discounts of <amount> are asked for
    Then no more than 10000 has passed, and finance has the rest of <count> to decide

    Examples:
      | count | amount |
      | 2     | 9999   |
      | 3     | 4000   |
      | 8     | 2000   |

  Scenario: what waits for people counts, and what was withdrawn does not
    When 1 discount of 9000 is asked for
    And 1 discount of 9000 is asked for
    Then 9000 has passed and finance has 1 to decide
    When 1 discount of 900 is asked for
    Then 9000 has passed and finance has 2 to decide
    When ae-1 withdraws the first that waits
    And ae-1 withdraws the first that waits
    And 1 discount of 900 is asked for
    Then 9900 has passed and finance has 0 to decide

  Scenario: what waited for longer than that counts from the day on which it was made smaller
    When 1 discount of 9999 is asked for
    And 1 discount of 9998 is asked for
    Then 9999 has passed and finance has 1 to decide
    When 604801 seconds pass
    And ae-1 amends the first that waits to 9000
    Then 18999 has passed and finance has 0 to decide
    When 1 discount of 9000 is asked for
    Then 18999 has passed and finance has 1 to decide

  Scenario: a week later it begins anew
    When 1 discount of 9999 is asked for
    And 604801 seconds pass
    And 1 discount of 9999 is asked for
    Then 19998 has passed and finance has 0 to decide
