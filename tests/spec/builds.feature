Feature: a new build is watched beside the one before it
  What served before serves again by itself when a new build does clearly worse: more of its writes fail in a way that
  the one before did not, or its slow writes take over three times as long. What every build would have met does not
  count, and neither does what chance explains.

  Scenario: a build whose writes are rejected where they landed before is rolled back
    Given a connector with another build of it that waits
    When 40 intents are written one after the other
    And one of 2 writes of the other build is rejected as 422
    And the other build is put in force
    And 24 intents are written one after the other
    Then the host went back to the build before, because "writes were rejected, and 0 of 40 by the build before it"
    When the host stops and starts
    And 1 second passes
    And 1 intent is written one after the other
    Then the build before wrote it

  Scenario Outline: what every build would have met rolls nothing back
    Given a connector with another build of it that waits
    When 40 intents are written one after the other
    And one of 2 writes of the other build is <claim> as <status>
    And the other build is put in force
    And 40 intents are written one after the other
    Then the other build serves

    Examples:
      | claim     | status |
      | transient | 503    |
      | transient | 429    |
      | rejected  | 500    |
      | rejected  | 403    |
      | uncertain | 502    |
      | conflict  | 503    |

  Scenario: nothing counts while the target is in trouble
    Given a connector with another build of it that waits
    When 40 intents are written one after the other
    And one of 2 writes of the other build is rejected as 422
    And the target fails for a while
    And the other build is put in force
    And 40 intents are written one after the other
    Then the other build serves

  Scenario: a few that fail say nothing
    Given a connector with another build of it that waits
    When 40 intents are written one after the other
    And one of 2 writes of the other build is rejected as 422
    And the other build is put in force
    And 9 intents are written one after the other
    Then the other build serves

  Scenario: what one person alone asks for rolls nothing back
    Given a connector with another build of it that waits
    When 40 intents are written one after the other
    And the other build is put in force
    And 10 intents are written one after the other
    And one of 1 writes of the other build is rejected as 422
    And 30 intents of somebody else are written one after the other
    Then the other build serves

  Scenario: a build that fails no more often than the one before stays
    Given a connector with another build of it that waits
    When one of 2 writes of the first build is rejected as 422
    And 40 intents are written one after the other
    And one of 2 writes of the other build is rejected as 422
    And the other build is put in force
    And 40 intents are written one after the other
    Then the other build serves

  Scenario: a host that was started forgets what the build before showed, and judges nothing by it
    Given a connector with another build of it that waits
    When 40 intents are written one after the other
    And one of 2 writes of the other build is rejected as 422
    And the other build is put in force
    And the host stops and starts
    And 1 second passes
    And 40 intents are written one after the other
    Then the other build serves

  Scenario: a build that takes over three times as long is rolled back
    Given a connector with another build of it that waits
    When a write of the first build takes 400 ms
    And 40 intents are written one after the other
    And a write of the other build takes 1300 ms
    And the other build is put in force
    And 44 intents are written one after the other
    Then the host went back to the build before, because "19 of 20 writes took up to 1300 ms, and up to 400 ms by the build before it"

  Scenario: a build that takes three times as long stays
    Given a connector with another build of it that waits
    When a write of the first build takes 400 ms
    And 40 intents are written one after the other
    And a write of the other build takes 1200 ms
    And the other build is put in force
    And 44 intents are written one after the other
    Then the other build serves

  Scenario: a build that was rolled back and is put in force again is judged by what it does then
    Given a connector with another build of it that waits
    When 40 intents are written one after the other
    And one of 2 writes of the other build is rejected as 422
    And the other build is put in force
    And 24 intents are written one after the other
    Then the host went back to the build before, because "writes were rejected"
    When one of 100 writes of the other build is rejected as 422
    And the other build is put in force
    And 30 intents are written one after the other
    Then the other build serves
