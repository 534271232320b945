// What the browser's history keeps beside an address.
declare module '@tanstack/history' {
  interface HistoryState {
    from?: string // path of the page whose link led here
    opened?: boolean // what is open was opened here: closing it is going back
  }
}

export {}
