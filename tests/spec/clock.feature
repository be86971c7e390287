Feature: the clock of the machine jumps
  A clock that is set says at once what is late. It stretches nothing that is a length: no wait for the next attempt, and
  no time for which a target remembers a key. That it jumped is on record.

  Scenario Outline: what a clock that was ahead has put off goes on when it is set back
    Given an approved intent with one effect whose guarantee is <guarantee>
    When the clock of the machine is set forward by <ahead> hours
    And the connector says <claim> and the wire saw <wire>
    And the clock of the machine is set back by <ahead> hours
    And whoever is asked finds nothing there
    And 2 minutes pass
    Then the effect is landed
    And the log says that the clock was set forward and back by <ahead> hours

    Examples:
      | guarantee | claim     | wire    | ahead |
      | by-key    | transient | nothing | 24    |
      | by-key    | transient | nothing | 8760  |
      | by-probe  | uncertain | silence | 24    |
      | blind     | transient | nothing | 8760  |

  Scenario: it goes on also if the clock was set back while no host ran
    Given an approved intent with one effect whose guarantee is by-key
    When the clock of the machine is set forward by 8760 hours
    And the connector says transient and the wire saw nothing
    And the host is stopped, the clock set back by 8760 hours, and the host started
    And 2 minutes pass
    Then the effect is landed

  Scenario: a key is not relied on for longer than its target remembers it, whatever the clock says
    Given an approved intent with one effect whose guarantee is by-key
    When the connector says uncertain and the wire saw silence
    And the target is left alone for 60 seconds at a time
    And the clock of the machine is set back by 25 hours
    And 25 hours go by
    And the target is left alone no more
    Then it is looked for before it is sent again

  Scenario: what was sent is not believed absent sooner because the clock was set forward
    Given an approved intent with one effect whose guarantee is by-probe
    When the connector says uncertain and the wire saw silence
    And the clock of the machine is set forward by 24 hours
    And whoever is asked finds nothing there
    And 20 seconds go by
    Then it is looked for, and not sent again
    When 1 minute passes
    Then the effect is landed

  Scenario: over a restart it is not relied on either
    Given an approved intent with one effect whose guarantee is by-key
    When the connector says uncertain and the wire saw silence
    And the target is left alone for 60 seconds at a time
    And the clock of the machine is set back by 25 hours
    And the host stops and starts
    And 25 hours go by
    And the target is left alone no more
    Then it is looked for before it is sent again

  Scenario: a key that is remembered still is used again
    Given an approved intent with one effect whose guarantee is by-key
    When the connector says uncertain and the wire saw silence
    And the target is left alone for 60 seconds at a time
    And the clock of the machine is set back by 25 hours
    And the target is left alone no more
    And 3 minutes pass
    Then the effect is landed
    And nobody was asked whether it had landed

  Scenario: a build that was let go on by a clock which was ahead is left alone again if it breaks again
    Given an approved intent with one effect whose guarantee is by-key
    When the clock of the machine is set forward by 24 hours
    And the connector breaks at every write
    And 5 intents are asked for
    Then one exception with cause quarantined pauses the connection
    When the connector is whole again
    And the exception that pauses the connection is closed by retry
    And the clock of the machine is set back by 24 hours
    And whoever is asked finds nothing there
    And 2 minutes pass
    Then all 5 intents are done
    When the connector breaks at every write
    And 5 intents are asked for
    Then one exception with cause quarantined pauses the connection

  Scenario: a year ahead for a moment ends no watch
    Given an intent type that has what has drifted put before a person
    And its write has landed
    When it is looked at 3 times
    And the clock of the machine is set forward by 8760 hours
    Then it is looked at for the 4th time, and not for the last
