Feature: a log is restored from a backup
  A backup is older than what the targets hold. What it calls open may have been written since by the host whose log is
  lost, and so may what people decided since. So each effect of what it knows is looked for before anything is sent, and
  a backup that is put back does nothing twice.

  Scenario Outline: what was sent after the backup is found, and not sent again
    Given an approved intent with one effect whose guarantee is <guarantee>
    When the connector says transient and the wire saw nothing
    And a backup is made
    And 2 minutes pass
    Then the effect is landed
    And the target was sent 1 write
    When the host is lost, and another one starts on the backup
    And the probe says landed
    Then the effect is landed
    And the target was sent 1 write

    Examples:
      | guarantee      |
      | by-key         |
      | by-natural-key |
      | by-probe       |

  Scenario Outline: what was not sent after the backup is sent, once its target says so and no late request can arrive
    Given an approved intent with one effect whose guarantee is <guarantee>
    When the connector says transient and the wire saw nothing
    And a backup is made
    And the host is lost, and another one starts on the backup
    And the probe says absent
    Then no write left the host
    And the effect is probed
    When 2 minutes pass
    And whoever is asked finds nothing there
    And 2 minutes pass
    Then the effect is landed
    And the target was sent 1 write

    Examples:
      | guarantee |
      | by-key    |
      | by-probe  |

  Scenario: where nothing can be looked for a person looks
    Given an approved intent with one effect whose guarantee is blind
    When the connector says transient and the wire saw nothing
    And a backup is made
    And the host is lost, and another one starts on the backup
    And 2 seconds pass
    Then an exception with cause uncertain has an owner
    And no write left the host
    When the owner closes the exception by retry
    Then the target was sent 1 write

  Scenario: what was on its way at the backup is looked for, whatever became of it since
    Given an approved intent with one effect whose guarantee is by-key
    When the connector says uncertain and the wire saw silence
    And a backup is made
    And the host is lost, and another one starts on the backup
    And the probe says landed
    Then the effect is landed
    And the target was sent 1 write

  Scenario: what people decide once more is looked for as well
    Given ae-1 asks for a discount of 12 % on 12000 for an smb customer
    When a backup is made
    And the host is lost, and another one starts on the backup
    And sales-manager-1 approves revision 1
    Then what was decided is looked for before it is written

  Scenario: what is asked for after the restoration is sent at once
    Given an approved intent with one effect whose guarantee is by-probe
    When a backup is made
    And the host is lost, and another one starts on the backup
    And the connector says receipt and the wire saw done
    Then the effect is landed
    And nobody was asked whether it had landed

  Scenario: a log that is restored once more is looked through once more
    Given an approved intent with one effect whose guarantee is by-probe
    When the connector says transient and the wire saw nothing
    And a backup is made
    And the host is lost, and another one starts on the backup
    And a backup is made
    And the host is lost, and another one starts on the backup
    Then the log says that it was restored 2 times
    When the probe says landed
    Then the effect is landed
    And no write left the host

  Scenario: what was refused is looked for before the rest is taken back
    Given an intent that writes to one, then two, then three, and says hold
    When three refuses
    And it is asked for and approved
    Then an exception with cause rejected is open for three
    When a backup is made
    And the host is lost, and another one starts on the backup
    And its owner closes it by undo
    And whoever is asked finds nothing there
    And 5 minutes pass
    Then the whole of it is undone
    And 3 effects were looked for

  Scenario: what was still to come is looked for before the rest is taken back
    Given an intent that writes to one, then two, then three, and says undo
    When one is too busy
    And two refuses
    And it is asked for and approved
    And a backup is made
    And the host is lost, and another one starts on the backup
    And one is busy no more
    And whoever is asked finds nothing there
    And 10 minutes pass
    Then the whole of it is undone
    And 4 effects were looked for
