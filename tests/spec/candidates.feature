Feature: a build that may be the next one plans a share of the intents, or plans in the shadow
  A canary plans a share of the intents, and what it planned it writes. A build in the shadow plans what the active build
  plans: the two are compared, and nothing of it is written. Either is dropped by itself when it breaks or does clearly
  worse, and the active build goes on as if nothing had been tried.

  Scenario: a canary plans its share, and each build writes what it planned
    Given a connector with another build of it that waits
    When the other build gets 30 percent of the intents
    And 40 intents are written one after the other
    Then each intent was written by the build whose share it is
    And nothing was asked in the shadow
    When the host stops and starts
    And 1 second passes
    And 20 intents are written one after the other
    Then each intent was written by the build whose share it is

  Scenario: a canary that is put in force plans every intent, and a roll-back leads to the build before
    Given a connector with another build of it that waits
    When the other build gets 30 percent of the intents
    And the other build is put in force
    And 10 intents are written one after the other
    Then only the other build wrote the last 10
    When somebody goes back
    And 10 intents are written one after the other
    Then only the first build wrote the last 10

  Scenario: a roll-back takes the canary back first
    Given a connector with another build of it that waits
    When the other build gets 99 percent of the intents
    And somebody goes back
    And 10 intents are written one after the other
    Then only the first build wrote the last 10

  Scenario: a canary whose writes are rejected where those of the active build land is dropped
    Given a connector with another build of it that waits
    When 40 intents are written one after the other
    And one of 2 writes of the other build is rejected as 422
    And the other build gets 50 percent of the intents
    And 80 intents are written one after the other
    Then the other build was dropped, because "writes were rejected, and 0 of"
    When 10 intents are written one after the other
    Then only the first build wrote the last 10

  Scenario: a canary that breaks at three intents is dropped
    Given a connector with another build of it that waits
    When every write of the other build breaks
    And the other build gets 50 percent of the intents
    And 20 intents are written one after the other
    Then the other build was dropped, because "broke whatever it was given at `target`"

  Scenario: a build in the shadow writes nothing, and is seen to plan the same
    Given a connector with another build of it that waits
    When the other build plans in the shadow
    And 5 intents are written one after the other
    Then the shadow was the same 5 times
    And only the first build wrote the last 5
    When the host stops and starts
    And 1 second passes
    And 2 intents are written one after the other
    Then the shadow was the same 2 times
    When the other build gets 30 percent of the intents
    And the other build plans in the shadow
    Then nothing was asked in the shadow

  Scenario Outline: a build in the shadow is seen to plan something else
    Given a connector with another build of it that waits
    When the other build <does>
    And the other build plans in the shadow
    And 2 intents are written one after the other
    Then the shadow <was> 2 times, because "<because>"
    And only the first build wrote the last 2

    Examples:
      | does                   | was     | because                              |
      | plans another amount   | differs | it writes another value of `amount`  |
      | plans another record   | differs | it names another record              |
      | plans one field more   | differs | it writes `memo` as well             |
      | rejects what it plans  | failed  | it failed with `no-such-field`       |

  Scenario: what was changed in between says nothing of a build in the shadow
    Given a connector with another build of it that waits
    When the record is changed while the other build plans
    And the other build plans in the shadow
    And 1 intent is written one after the other
    Then the shadow cannot be told 1 time

  Scenario: a target in trouble says nothing of a build in the shadow
    Given a connector with another build of it that waits
    When the other build finds its target in trouble
    And the other build plans in the shadow
    And 4 intents are written one after the other
    Then the shadow cannot be told 4 times
    And the other build is in the shadow

  Scenario: a build that breaks at three intents in the shadow is dropped
    Given a connector with another build of it that waits
    When the other build breaks as it plans
    And the other build plans in the shadow
    And 2 intents are written one after the other
    Then the shadow failed 2 times, because "it broke: trap"
    When the host stops and starts
    And 1 second passes
    And 3 intents are written one after the other
    Then the other build was dropped, because "broke at 3 intents in the shadow, the last at `target`"

  Scenario: a build in the shadow looks for what the active build looks for
    Given a connector whose writes are looked for, with another build of it that waits
    When the other build plans in the shadow
    And an effect that may have landed is found by the active build, and not by the other one
    Then the shadow differs 1 time, because "it does not find an effect that the active build does"
    And the intent is done
