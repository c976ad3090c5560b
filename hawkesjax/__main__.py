"""`python -m hawkesjax` is the command line."""

from hawkesjax.cli import main

if __name__ == "__main__":
    main()
