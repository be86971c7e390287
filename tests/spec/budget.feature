Feature: an exception budget tells its owner that it burns, and does what it says once it is spent
  So that a type whose exceptions grow is looked at before people are buried in them, by whoever owns its rules.

  Background:
    Given a type with the exception budget "4 in 7d, warn at 50%, then refuse"

  Scenario: below the declared part nobody is told
    When 1 order is rejected by its target
    Then no exception about the budget is open

  Scenario: at the declared part its owner is told, with figures and the hour in which it is spent
    When 2 orders are rejected by their target, one every 6 hours
    Then owner-1 is told once that the budget is burning: 2 of 4 in 7 days
    And it is foretold to be spent in the hour from 2026-11-24T09:00:00Z

  Scenario: what grows slower than it is forgotten is never spent
    When 2 orders are rejected by their target, one every 60 hours
    Then owner-1 is told once that the budget is burning: 2 of 4 in 7 days
    And nothing is foretold

  Scenario: spent, nothing new is taken, and the exception that is open hears of it
    When 4 orders are rejected by their target, one every 1 hour
    Then owner-1 is told once that the budget is spent: 4 of 4 in 7 days
    When another order is asked for
    Then it is refused with CS-E0171
    And the refusal says that owner-1 can give the budget back, and that it ends at 2026-11-30T15:00:00.000Z

  Scenario: it ends by itself when the days have moved on
    When 4 orders are rejected by their target, one every 1 hour
    And another order is asked for
    Then it is refused with CS-E0171
    When 604800 seconds pass
    And another order is asked for
    Then it is taken

  Scenario: whoever owns it gives it back with a reason, and the count begins anew
    When 4 orders are rejected by their target, one every 1 hour
    And owner-2 closes the exception about the budget
    Then it is refused with CS-E0116
    When owner-1 closes the exception about the budget
    And another order is asked for
    Then it is taken
    When 1 order is rejected by its target
    Then no exception about the budget is open
    When 1 order is rejected by its target
    Then owner-1 is told once that the budget is burning: 2 of 4 in 7 days

  Scenario: closing what only burns gives nothing back, and nobody is told the same twice
    When 2 orders are rejected by their target, one every 1 hour
    And owner-1 closes the exception about the budget
    And 1 order is rejected by its target
    Then no exception about the budget is open
    When 1 order is rejected by its target
    Then owner-1 is told once that the budget is spent: 4 of 4 in 7 days

  Scenario: whoever has read that it burns does not give back what is spent meanwhile
    When 2 orders are rejected by their target, one every 1 hour
    And owner-1 reads what is open about the budget
    And 2 orders are rejected by their target, one every 1 hour
    Then owner-1 is told once that the budget is spent: 4 of 4 in 7 days
    When owner-1 closes what they have read
    Then it is refused with CS-E0115
    And one exception about the budget is open, and says that it is spent
    When another order is asked for
    Then it is refused with CS-E0171

  Scenario: an exception about the budget is closed as reviewed and in no other way
    When 2 orders are rejected by their target, one every 1 hour
    And owner-1 closes the exception about the budget by retry
    Then it is refused with CS-E0117

  Scenario: nobody looks at it, so it goes to the backup
    When 2 orders are rejected by their target, one every 1 hour
    And 28801 seconds pass
    Then boss answers for the budget

  Scenario: exceptions at one moment cannot each miss the other
    When 6 orders are rejected by their target at one moment
    Then one exception about the budget is open, and says that it is spent

  Scenario: a budget that is spent at the start, as it is smaller now or the host died before it said so, is said then
    Given a type with the exception budget "8 in 7d, warn at 50%, then warn"
    When 4 orders are rejected by their target, one every 1 hour
    Then owner-1 is told once that the budget is burning: 4 of 8 in 7 days
    When the host starts anew with the exception budget "3 in 7d, warn at 50%, then refuse"
    Then one exception about the budget is open, and says that it is spent
    When another order is asked for
    Then it is refused with CS-E0171

  Scenario: a budget that is smaller now, of which nobody was told, is told of at the start
    Given a type with the exception budget "8 in 7d, warn at 90%, then warn"
    When 4 orders are rejected by their target, one every 1 hour
    Then no exception about the budget is open
    When the host starts anew with the exception budget "3 in 7d, warn at 50%, then refuse"
    Then one exception about the budget is open, and says that it is spent

  Scenario: whoever asked for what tipped it does not say what follows
    When owner-1 asks for 2 orders that are rejected by their target
    Then owner-2 is told once that the budget is burning: 2 of 4 in 7 days

  Scenario: not as the fallback owner either
    When boss asks for 2 orders that are rejected by their target
    Then owner-1 is told once that the budget is burning: 2 of 4 in 7 days
    When 28801 seconds pass
    Then owner-1 answers for the budget

  Scenario: what nobody of the council decides in time does not keep the council in office
    Given a type with the exception budget "2 in 7d, warn at 50%, then council panel"
    When 2 orders are rejected by their target, one every 1 hour
    And another order is asked for
    Then the intent becomes seated
    When nobody decides until it is overdue
    Then 2 exceptions have spent the budget

  Scenario: what the policy asks of the same people counts as it always does
    Given a type with the exception budget "2 in 7d, warn at 50%, then council owners"
    When 2 orders are rejected by their target, one every 1 hour
    And another order of 3000 is asked for
    Then the intent becomes seated
    When nobody decides until it is overdue
    Then 3 exceptions have spent the budget

  Scenario: spent, a council decides on what is new, whatever the policy lets pass
    Given a type with the exception budget "2 in 7d, warn at 50%, then council panel"
    When 2 orders are rejected by their target, one every 1 hour
    And another order is asked for
    Then the intent becomes seated
    And boss may decide
    And it says that route panel decides, until 2026-11-30T15:00:00.000Z
    When boss approves revision 1
    Then the intent becomes done

  Scenario: people whom the policy asks are asked as well
    Given a type with the exception budget "2 in 7d, warn at 50%, then council panel"
    When 2 orders are rejected by their target, one every 1 hour
    And another order of 3000 is asked for
    Then the intent becomes seated
    And the seats are of owners and panel

  Scenario: the council goes home when the days have moved on
    Given a type with the exception budget "2 in 7d, warn at 50%, then council panel"
    When 2 orders are rejected by their target, one every 1 hour
    And 604800 seconds pass
    And another order is asked for
    Then the intent becomes done

  Scenario: a throttled type takes so many of a day, and more on the next one
    Given a type with the exception budget "2 in 7d, warn at 50%, then throttle 3 a day"
    When 2 orders are rejected by their target, one every 1 hour
    Then owner-1 is told once that the budget is spent: 2 of 2 in 7 days
    When another order is asked for
    Then it is taken
    When another order is asked for
    Then it is refused with CS-E0171
    And the refusal says that owner-1 can give the budget back, and that it ends at 2026-11-24T00:00:00.000Z
    And the refusal says that at most 3 of a day are taken
    When 86400 seconds pass
    And 5 orders are asked for at one moment
    Then 3 of them are taken, and the others are refused with CS-E0171

  Scenario: whoever owns a throttled budget gives it back
    Given a type with the exception budget "2 in 7d, warn at 50%, then throttle 1 a day"
    When 2 orders are rejected by their target, one every 1 hour
    And another order is asked for
    Then it is refused with CS-E0171
    When owner-1 closes the exception about the budget
    And another order is asked for
    Then it is taken

  Scenario: a budget that only warns stops nothing
    Given a type with the exception budget "2 in 7d, warn at 50%, then warn"
    When 3 orders are rejected by their target, one every 1 hour
    Then owner-1 is told once that the budget is spent: 2 of 2 in 7 days
    When another order is asked for
    Then the intent becomes done

  Scenario Outline: a budget that could not do what it says is no budget
    Then a type is refused whose exception budget is "<budget>" and whose exceptions reach "<row>": <why>

    Examples:
      | budget                                | row    | why                                      |
      | 4 in 7d, warn at 50%, then council no | budget | `no` is no route of `routes.md`          |
      | 4 in 7d, warn at 50%, then refuse     | rest   | which `exception route` lacks            |
      | 4 in 7d, warn at 50%, then refuse     | closed | does not close when `reviewed`           |
      | 4 in 7d, warn at 50%, then shrug      | budget | is none of `then warn`                   |
      | 4 in 7d, warn at 50%, then throttle 0 a day | budget | `0` is no number from 1 to 1000    |
      | 4 in 7d, warn at 100%, then warn      | budget | `100` is no number from 1 to 99          |
      | 0 in 7d, warn at 50%, then warn       | budget | `0` is no number from 1 to 1000          |
      | 4 in 93d, warn at 50%, then warn      | budget | `93` is no number from 1 to 92           |
      | 4 a week                              | budget | write `20 in 7d, warn at 50%             |
